"""What moderators say most often, to begin with: edited, removed and added to in the admin."""

from django.db import migrations

CAMPAIGN, REVISION = "campaign", "revision"
REASONS = {
    "en": [
        (CAMPAIGN, "Say in the text who is writing: name the shop or the brand."),
        (CAMPAIGN, "Say in the text how to opt out, for example: STOP to opt out."),
        (CAMPAIGN, "The link leads to a domain that is not yours. Use your own domain, without a link shortener."),
        (CAMPAIGN, "The text promises something without its conditions. Add them, or a link to them."),
        (CAMPAIGN, "The list is not the one that this text is for. Check the list and submit again."),
        (CAMPAIGN, "Not at this hour. Choose a time between 09:00 and 20:00."),
        (REVISION, "The evidence does not show that this name is yours. Attach a registration or a letter."),
        (REVISION, "The name can be taken for somebody else's. Choose one that is plainly yours."),
    ],
    "ru": [
        (CAMPAIGN, "Укажите в тексте, кто пишет: назовите магазин или бренд."),
        (CAMPAIGN, "Укажите в тексте, как отписаться, например: СТОП — отписаться."),
        (CAMPAIGN, "Ссылка ведёт на чужой домен. Используйте свой домен, без сокращателей ссылок."),
        (CAMPAIGN, "Текст обещает что-то без условий. Добавьте условия или ссылку на них."),
        (CAMPAIGN, "Этот текст не для этого списка. Проверьте список и отправьте снова."),
        (CAMPAIGN, "Не в это время. Выберите время с 09:00 до 20:00."),
        (REVISION, "Документ не подтверждает, что имя принадлежит вам. Приложите регистрацию или письмо."),
        (REVISION, "Имя можно принять за чужое. Выберите то, которое явно ваше."),
    ],
    "uz": [
        (CAMPAIGN, "Matnda kim yozayotganini ayting: doʻkon yoki brend nomini yozing."),
        (CAMPAIGN, "Matnda obunani bekor qilish yoʻlini yozing, masalan: TOʻXTAT deb yozing."),
        (CAMPAIGN, "Havola sizniki boʻlmagan domenga olib boradi. Oʻz domeningizdan, qisqartirmasdan foydalaning."),
        (CAMPAIGN, "Matn shartlarsiz vaʼda beryapti. Shartlarni yoki ularga havolani qoʻshing."),
        (CAMPAIGN, "Bu matn bu roʻyxat uchun emas. Roʻyxatni tekshirib, qayta yuboring."),
        (CAMPAIGN, "Bu vaqtda emas. 09:00 dan 20:00 gacha boʻlgan vaqtni tanlang."),
        (REVISION, "Hujjat bu nom sizniki ekanini koʻrsatmaydi. Guvohnoma yoki xat ilova qiling."),
        (REVISION, "Bu nomni boshqa birovniki deb oʻylash mumkin. Aniq sizniki boʻlgan nomni tanlang."),
    ],
}


def seed(apps, schema_editor):
    canned = apps.get_model("moderation", "CannedReason")
    if not canned.objects.exists():
        canned.objects.bulk_create(
            canned(language=language, about=about, text=text)
            for language, reasons in REASONS.items()
            for about, text in reasons
        )


class Migration(migrations.Migration):
    dependencies = [("moderation", "0006_keep_notes")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
